// The API's documentation: Swagger UI, with the signed-in person's CSRF token on what it sends.

const page = document.body.dataset;

window.SwaggerUIBundle({
  url: page.document,
  dom_id: "#docs",
  layout: "BaseLayout",
  deepLinking: true,
  presets: [window.SwaggerUIBundle.presets.apis],
  requestInterceptor(request) {
    request.headers["X-CSRFToken"] = page.csrfToken;
    return request;
  },
});
