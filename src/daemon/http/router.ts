import type { MediaPort } from '../core/media.js'
import type { HttpRequest, HttpResponse } from '../transport/port.js'
import { type CallbackPorts, callbackRoutes } from './channel-callback.js'
import { createDispatch, type DispatchPorts } from './dispatch.js'
import { healthRoutes, type Readiness } from './health.js'
import { type DownloadPorts, downloadRoute } from './media-download.js'
import { type UploadLimits, type UploadPorts, uploadRoute } from './media-upload.js'

/** Everything that the routes need. */
export type HttpPorts = DispatchPorts &
  CallbackPorts &
  Omit<UploadPorts, 'media'> &
  Omit<DownloadPorts, 'media'> & {
    readonly media: Pick<MediaPort, 'put' | 'open'>
    /** Must not throw. */
    readonly readiness: () => Readiness
  }

/** The daemon's answer to plain HTTP requests; never rejects. Routes: health, media upload and download, callbacks of platforms, a line at `/`. */
export function createHttp(ports: HttpPorts, limits: UploadLimits): (request: HttpRequest) => Promise<HttpResponse> {
  return createDispatch(ports, [
    ...healthRoutes(ports.readiness),
    ...callbackRoutes(ports),
    uploadRoute(ports, limits),
    downloadRoute(ports),
  ])
}
