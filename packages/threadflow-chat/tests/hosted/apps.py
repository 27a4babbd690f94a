from django.apps import AppConfig


class HostedConfig(AppConfig):
    name = "tests.hosted"
    label = "hosted"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from threadflow_chat import bindings as chat

        from .models import Project

        chat.bind(
            "project",
            Project,
            moderated=lambda person: Project.objects.filter(lead_id=person.pk),
            title=lambda project: project.name,
            state=lambda project: project.chat_state,
        )
