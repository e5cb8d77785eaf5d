/** How the page's components get its state. */
import { inject, type InjectionKey } from 'vue'
import { useI18n } from 'vue-i18n'

import type { Dashboard } from './dashboard'
import type { Metric } from './metrics'

export const DASHBOARD: InjectionKey<Dashboard> = Symbol('dashboard')

export function useDashboard(): Dashboard {
  const dashboard = inject(DASHBOARD)
  if (!dashboard) throw new Error('used outside the dashboard page')
  return dashboard
}

/** A metric's title in the user's language, unless somebody has given it a custom title. */
export function useMetricTitle(): (metric: Metric) => string {
  const { t, te } = useI18n()
  return (metric) => {
    const key = `metric.${metric.name}`
    const isDefault = te(key, 'en') && t(key, {}, { locale: 'en' }) === metric.title
    return isDefault ? t(key) : metric.title || metric.name
  }
}
