from django.urls import include, path

urlpatterns = [path("community/", include("threadflow_forum.urls"))]
