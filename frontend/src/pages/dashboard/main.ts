import 'uplot/dist/uPlot.min.css'
import './dashboard.css'
