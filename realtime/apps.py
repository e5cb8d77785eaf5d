from django.apps import AppConfig


class RealtimeConfig(AppConfig):
    name = "realtime"
    verbose_name = "Real time"

    def ready(self) -> None:
        from realtime.streams import write_guard
        from realtime.workers import retention  # noqa: F401  (importing it registers its worker)

        write_guard.install()
