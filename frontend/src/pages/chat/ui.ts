/** What is open on the page besides the room itself, and the last error. */
import { reactive, ref, shallowRef, watch, type Ref, type ShallowRef } from 'vue'

import { ApiError } from '@/lib/api'
import type { Kept } from '@/lib/kept'
import { CommandError } from '@/lib/socket'

import type { LeftBehind, Renamed } from './chat'
import type { Edit } from './model/edits'
import type { Message, Quote } from './model/types'

export type Side = 'members' | 'search' | 'pins'

export type Notice =
  /** An edit was discarded: it can be taken back. */
  | { readonly kind: 'discarded'; readonly room: string; readonly edit: Edit }
  /** The edited message is gone: the text is in the composer. */
  | { readonly kind: 'withdrawn'; readonly room: string }
  /** Files were dropped where none can be sent. */
  | { readonly kind: 'notTaken'; readonly room: string; readonly files: readonly string[] }

const REPLIES = 'replies'
const WIDE = '(min-width: 1280px)'

export class ChatUi {
  readonly side: Ref<Side | null> = ref(matchMedia(WIDE).matches ? 'members' : null)
  /** The message to which the next one replies, by room. */
  readonly replying: Map<string, Quote>
  /** What is searched for; stays while the panel is closed. */
  readonly search = { query: ref(''), everywhere: ref(false) }
  readonly revisionsOf: ShallowRef<Message | null> = shallowRef(null)
  readonly deleting: ShallowRef<Message | null> = shallowRef(null)
  /** What to do with the chosen emoji, and the element that the picker is placed beside. */
  readonly emojiFor: ShallowRef<{ readonly anchor: Element | null; readonly take: (emoji: string) => void } | null> = shallowRef(null)
  /** Counts requests to focus the composer. */
  readonly composerCalls: Ref<number> = ref(0)
  /** The room whose draft got an unsent message back. */
  readonly takenBack: ShallowRef<{ readonly room: string } | null> = shallowRef(null)
  readonly problem: Ref<{ readonly code: string; readonly text: string } | null> = ref(null)
  /** What became of something that the user had typed. */
  readonly notice: ShallowRef<Notice | null> = shallowRef(null)
  readonly leftBehind: ShallowRef<LeftBehind | null> = shallowRef(null)

  constructor(kept: Kept) {
    this.replying = reactive(new Map(kept.read<[string, Quote][]>(REPLIES) ?? []))
    watch(this.replying, (replying) => void kept.write(REPLIES, replying.size > 0 ? [...replying] : null))
  }

  /** Somebody has another name. */
  renamed({ userId, username }: Renamed): void {
    for (const [room, quote] of this.replying) if (quote.userId === userId) this.replying.set(room, { ...quote, username })
  }

  toggleSide(side: Side): void {
    this.side.value = this.side.value === side ? null : side
  }

  pickEmoji(anchor: Element | null, take: (emoji: string) => void): void {
    this.emojiFor.value = { anchor, take }
  }

  focusComposer(): void {
    this.composerCalls.value += 1
  }

  /** Run an action that the server may refuse, and show its error. Returns whether it succeeded. */
  async attempt(act: () => Promise<unknown>): Promise<boolean> {
    try {
      await act()
      this.problem.value = null
      return true
    } catch (error) {
      if (error instanceof CommandError) this.problem.value = { code: error.code, text: error.message }
      else if (error instanceof ApiError) this.problem.value = { code: error.status === 0 ? 'disconnected' : 'refused', text: error.message }
      else throw error
      return false
    }
  }
}
