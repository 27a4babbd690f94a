from __future__ import annotations

from importlib.resources import files

from django.http import HttpRequest, HttpResponse

from threadflow_core import jobs, realtime

PAGE = """<!doctype html><title>live</title>
<body data-tf-live="/ws/v1/">
<p id="strip" data-tf-offline hidden>reconnecting</p>
<ol id="log" data-tf-topic="drill:page" data-tf-seq="{seq}" data-tf-epoch="{epoch}"></ol>
<script src="/drill/page.js"></script><script src="/drill/tf-live.js"></script>"""
SCRIPT = """
const log = document.getElementById("log");
log.addEventListener("tf:frame", (event) => {
  const item = document.createElement("li");
  item.textContent = event.detail.gone ? "gone" : event.detail.text;
  log.append(item);
});
log.addEventListener("tf:reset", () => { log.dataset.reset = "1"; });
document.addEventListener("tf:live-state", (event) => { log.dataset.state = event.detail; });
"""
POLICY = "default-src 'none'; script-src 'self'; connect-src 'self'"


def page(request: HttpRequest) -> HttpResponse:
    seq, epoch = realtime.position("drill:page")
    answer = HttpResponse(PAGE.format(seq=seq, epoch=epoch))
    answer["Content-Security-Policy"] = POLICY
    return answer


def script(request: HttpRequest, name: str) -> HttpResponse:
    text = SCRIPT
    if name == "tf-live.js":
        text = (files("threadflow_core") / "static/threadflow/js/tf-live.js").read_text()
    return HttpResponse(text, content_type="text/javascript")


def emit(request: HttpRequest) -> HttpResponse:
    jobs.emit("drill.counted", number=int(request.GET["number"]))
    return HttpResponse("ok")
