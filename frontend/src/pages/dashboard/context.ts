/** How the page's components reach its state. */
import { inject, type InjectionKey } from 'vue'
import { useI18n } from 'vue-i18n'

import en from '@/locales/en.json'

import type { Dashboard } from './dashboard'
import type { Metric } from './metrics'

export const DASHBOARD: InjectionKey<Dashboard> = Symbol('dashboard')

export function useDashboard(): Dashboard {
  const dashboard = inject(DASHBOARD)
  if (!dashboard) throw new Error('used outside the dashboard page')
  return dashboard
}

const DEFAULT_TITLES: Readonly<Record<string, string>> = en.metric

/** A metric's title in the user's language, unless someone has given it a title of their own. */
export function useMetricTitle(): (metric: Metric) => string {
  const { t } = useI18n()
  return (metric) => {
    if (metric.title === '') return metric.name
    return DEFAULT_TITLES[metric.name] === metric.title ? t(`metric.${metric.name}`) : metric.title
  }
}
