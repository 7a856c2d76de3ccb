import type { Capabilities, Grant, KindTable, SettingRow, SettingValues } from './channel-adapter.js'

/** The setting with the longest text of one message, in the kind's unit; a kind whose limit is beyond doubt has none. */
export const TEXT_LIMIT = 'text-limit'

/** Limits of platforms change: each grant becomes two settings, `<name>-quota` and `<name>-window-seconds`, whose defaults are the documented numbers. */
export function grantRows(
  grants: Readonly<Record<string, Grant>>,
  summaries: Readonly<Record<string, string>>,
): Readonly<Record<string, SettingRow>> {
  const rows: Record<string, SettingRow> = {}
  for (const [name, { messages, windowMs }] of Object.entries(grants)) {
    const act = summaries[name] ?? name
    rows[`${name}-quota`] = {
      summary: `messages that may be sent after ${act}`,
      ...{ type: 'integer', min: 0, max: 100_000, default: messages },
    }
    rows[`${name}-window-seconds`] = {
      summary: `how long messages may be sent after ${act}`,
      ...{ type: 'integer', min: 1, max: 31 * 86_400, default: windowMs / 1000 },
    }
  }
  return rows
}

/** What a channel can do: its kind's capabilities with the numbers that its settings say. */
export function capabilitiesOf(table: KindTable, settings: SettingValues): Capabilities {
  const { grants, text, ...others } = table.capabilities
  const limits: Record<string, Grant> = {}
  for (const [name, { messages, windowMs }] of Object.entries(grants))
    limits[name] = {
      messages: integer(settings, `${name}-quota`, messages),
      windowMs: integer(settings, `${name}-window-seconds`, windowMs / 1000) * 1000,
    }
  return { ...others, grants: limits, text: { ...text, max: integer(settings, TEXT_LIMIT, text.max) } }
}

function integer(settings: SettingValues, name: string, fallback: number): number {
  const value = Object.hasOwn(settings, name) ? settings[name] : undefined
  return typeof value === 'number' ? value : fallback
}
