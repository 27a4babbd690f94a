from __future__ import annotations

import os

from django.core.wsgi import get_wsgi_application

from .garbage import settle

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "threadflow_site.settings")
application = get_wsgi_application()
settle()
