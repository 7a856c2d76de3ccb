/** Texts that are compressed and read together. */
export const BLOCK_DOCS = 64
/** Texts that terms lead to together. A block has a whole number of groups, at most 8, and 32 groups fill whole blocks. */
export const GROUP_DOCS = 16
/** Groups of a block, also of one that is not full. */
export const BLOCK_GROUPS = BLOCK_DOCS / GROUP_DOCS
/** Between texts of a block: no folded text has it. */
export const SEPARATOR = '\0'
/** The direction of what was removed, beside the places in `SEARCH_DIRECTIONS`. */
export const REMOVED = 3

/** What bounds the parts of an index. */
export type IndexLimits = {
  /** How many texts in memory become a segment: at most 65,536, in whole blocks. */
  readonly tableDocs: number
  /** UTF-16 units of texts in memory that become a segment even if they are fewer. */
  readonly tableUnits: number
  /** How many neighbouring segments of a level become one of the next. */
  readonly fan: number
  /** How many tables may wait in memory until they are segments. */
  readonly waiting: number
}

/** The bounds of an index that nobody gave others. */
export const INDEX_LIMITS: IndexLimits = { tableDocs: 16_384, tableUnits: 2 << 20, fan: 8, waiting: 4 }
