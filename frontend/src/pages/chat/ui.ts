/** What is open on the page besides the room itself, and the last error. */
import { reactive, ref, shallowRef, type Ref, type ShallowRef } from 'vue'

import { ApiError } from '@/lib/api'
import { CommandError } from '@/lib/socket'

import type { Message, Quote } from './model/types'

export type Side = 'members' | 'search' | 'pins'

const WIDE = '(min-width: 1280px)'

export class ChatUi {
  readonly side: Ref<Side | null> = ref(matchMedia(WIDE).matches ? 'members' : null)
  /** The message that is being edited. */
  readonly editing: Ref<number | null> = ref(null)
  /** The message to which the next one replies, by room. */
  readonly replying = reactive(new Map<string, Quote>())
  readonly revisionsOf: ShallowRef<Message | null> = shallowRef(null)
  readonly deleting: ShallowRef<Message | null> = shallowRef(null)
  /** What to do with the chosen emoji, and the element that the picker is placed beside. */
  readonly emojiFor: ShallowRef<{ readonly anchor: Element | null; readonly take: (emoji: string) => void } | null> = shallowRef(null)
  /** Counts requests to focus the composer. */
  readonly composerCalls: Ref<number> = ref(0)
  /** The room whose draft got an unsent message back. */
  readonly takenBack: ShallowRef<{ readonly room: string } | null> = shallowRef(null)
  readonly problem: Ref<{ readonly code: string; readonly text: string } | null> = ref(null)

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
