import uuid

from django.contrib.auth.models import AbstractUser
from django.db import models

from threadflow_forum.abstract_models import AbstractThread


class Member(AbstractUser):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4)


class Topic(AbstractThread):
    boat = models.CharField(max_length=40, null=True, blank=True)
