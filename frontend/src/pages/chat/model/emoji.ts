/** The emoji in the picker, drawn with the system's font. Their names are in the locales under `emoji`. */

export const EMOJI = [
  ['👍', 'thumbsUp'], ['👎', 'thumbsDown'], ['👏', 'applause'], ['🙏', 'thanks'], ['💪', 'strong'], ['👀', 'looking'], ['🤝', 'deal'], ['👋', 'wave'],
  ['😀', 'grin'], ['😂', 'laugh'], ['🙂', 'smile'], ['😉', 'wink'], ['😍', 'love'], ['🤔', 'thinking'], ['😮', 'surprised'], ['😢', 'sad'],
  ['😅', 'phew'], ['😴', 'tired'], ['😡', 'angry'], ['🤯', 'mindBlown'], ['😎', 'cool'], ['🥳', 'party'], ['🤷', 'shrug'], ['🫡', 'salute'],
  ['✅', 'done'], ['❌', 'no'], ['❓', 'question'], ['❗', 'important'], ['⚠️', 'warning'], ['🚨', 'alarm'], ['🔥', 'fire'], ['🎉', 'celebrate'],
  ['🚀', 'rocket'], ['🐛', 'bug'], ['🔧', 'fix'], ['📈', 'up'], ['📉', 'down'], ['⏳', 'waiting'], ['☕', 'coffee'], ['❤️', 'heart'],
] as const

export type EmojiName = (typeof EMOJI)[number][1]

/** Offered without opening the picker. */
export const QUICK = ['👍', '✅', '👀'] as const

const NAMES = new Map<string, EmojiName>(EMOJI)

/** The name of an emoji in the picker, or null for others. */
export const nameOf = (emoji: string): EmojiName | null => NAMES.get(emoji) ?? null
