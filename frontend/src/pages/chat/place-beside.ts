/** Positions a floating layer beside its anchor, inside the window. On a phone the layer is a sheet and is not moved. */

const GAP = 4
const MARGIN = 8

export function placeBeside(layer: HTMLElement, anchor: Element | null): void {
  layer.style.removeProperty('inset')
  if (!anchor || matchMedia('(max-width: 839px)').matches) return
  const place = anchor.getBoundingClientRect()
  const { offsetWidth: width, offsetHeight: height } = layer
  const below = place.bottom + GAP + height <= window.innerHeight - MARGIN
  const top = below ? place.bottom + GAP : Math.max(MARGIN, place.top - GAP - height)
  const left = Math.min(Math.max(MARGIN, place.right - width), window.innerWidth - width - MARGIN)
  layer.style.setProperty('inset', `${top}px auto auto ${left}px`)
}
