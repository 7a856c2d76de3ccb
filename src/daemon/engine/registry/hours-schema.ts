import { z } from 'zod'
import { type HoursSpec, hoursFault, WEEK_DAYS } from '../../core/hours-spec.js'

const span = { from: z.string(), to: z.string() }

/** Business hours as JSON: no other fields, and nothing that `createHours` refuses. The first issue has the path and the words of `hoursFault`. */
export const hoursSchema: z.ZodType<HoursSpec> = z
  .strictObject({
    timeZone: z.string(),
    weekly: z.array(z.strictObject({ days: z.array(z.enum(WEEK_DAYS)).readonly(), ...span })).readonly(),
    holidays: z
      .array(
        z.strictObject({
          from: z.string(),
          to: z.string().exactOptional(),
          open: z.array(z.strictObject(span)).readonly().exactOptional(),
          name: z.string().exactOptional(),
        }),
      )
      .readonly(),
  })
  .superRefine((spec, context) => {
    const fault = hoursFault(spec)
    if (fault !== undefined) context.addIssue({ code: 'custom', path: [...fault.path], message: fault.reason })
  })
