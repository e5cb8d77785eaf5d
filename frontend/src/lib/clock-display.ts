/** The UTC clock in the status strip. A page with a socket corrects it by the server's clock. */
import { clockTime } from './time'

const EVENT = 'pitwall:clock-offset'

/** Tell the clock how far the server's clock is ahead of this device's, in milliseconds. */
export function correctClock(offsetMs: number): void {
  document.dispatchEvent(new CustomEvent<number>(EVENT, { detail: offsetMs }))
}

export function startClock(): void {
  const display = document.querySelector<HTMLElement>('[data-clock]')
  if (!display) return
  let offsetMs = 0
  const tick = (): void => {
    const now = Date.now() + offsetMs
    display.textContent = clockTime(now)
    setTimeout(tick, 1000 - (now % 1000))
  }
  document.addEventListener(EVENT, (event) => {
    offsetMs = (event as CustomEvent<number>).detail
  })
  tick()
}
