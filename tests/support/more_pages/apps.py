from django.apps import AppConfig


class MorePagesConfig(AppConfig):
    name = "tests.support.more_pages"

    def ready(self) -> None:
        from tests.support.more_pages import navigation

        navigation.register_all()
