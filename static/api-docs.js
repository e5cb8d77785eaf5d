// Shows the API's document with Swagger UI. A file of its own: the policy allows no inline script.
'use strict'

const root = document.getElementById('api')
const token = root.querySelector('input[name="csrfmiddlewaretoken"]')?.value ?? ''

SwaggerUIBundle({
  domNode: root,
  url: root.dataset.document,
  deepLinking: true,
  presets: [SwaggerUIBundle.presets.apis],
  layout: 'BaseLayout',
  defaultModelsExpandDepth: 0,
  validatorUrl: null,
  requestInterceptor: (request) => {
    const own = new URL(request.url, location.href).origin === location.origin
    if (own && !['GET', 'HEAD', 'OPTIONS'].includes(request.method)) request.headers['X-CSRFToken'] = token
    return request
  },
})
