/** What every page loads: the styles, the theme button, the clock, single keys. */
import './styles/app.css'

import { startClock } from './lib/clock-display'
import { bindThemeButtons } from './lib/theme'

bindThemeButtons()
startClock()
