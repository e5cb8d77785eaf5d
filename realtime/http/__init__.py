"""What every HTTP request passes: middleware, problem documents, bodies, health."""
