/**
 * In a daemon that a command started for itself: stops as with SIGTERM when that command has ended, however it did. The channel between the two is closed by
 * the system even when the command was killed.
 */
export function endWithParent(): void {
  const end = (): void => void process.kill(process.pid, 'SIGTERM')
  if (!process.connected) {
    end()
    return
  }
  process.once('disconnect', end)
  // It is listened to, and keeps nothing alive.
  process.channel?.unref()
}
