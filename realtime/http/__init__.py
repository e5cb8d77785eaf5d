"""Shared parts of HTTP: middleware, problem documents, bodies, pages, OpenAPI, health."""
