/** What every page loads: the styles, the theme button, the clock, single keys. */
import './styles/app.css'

import { startClock } from './lib/clock-display'
import { bindFormButtons } from './lib/form-buttons'
import { bindThemeButtons } from './lib/theme'

bindThemeButtons()
bindFormButtons()
startClock()
