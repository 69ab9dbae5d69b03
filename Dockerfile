# A server for runs; docs/serving.md shows how to build and start it.
#     EXTRAS=serve,train   adds torch, for runs that were not exported
#     --target holding --build-arg MODEL=runs/shapes/export   puts a model into the image
ARG PYTHON=3.11-slim

FROM python:${PYTHON} AS installed
ARG EXTRAS=serve
ARG PIP_INDEX_URL
WORKDIR /source
COPY pyproject.toml requirements.lock README.md LICENSE ./
COPY tenfold tenfold
RUN python -m venv /opt/tenfold
RUN /opt/tenfold/bin/pip install --no-cache-dir -c requirements.lock ".[${EXTRAS}]"

FROM python:${PYTHON} AS bare
ENV PATH=/opt/tenfold/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    HOME=/tmp \
    TENFOLD_CACHE=/tmp/tenfold \
    TENFOLD_HOST=0.0.0.0 \
    TENFOLD_PORT=8000
COPY --from=installed /opt/tenfold /opt/tenfold
COPY container/start.py /opt/start.py
# A number, so that an orchestrator can see that it is not root; it owns nothing in the image.
USER 10001:10001
WORKDIR /tmp
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s \
    CMD ["python", "-c", "import os, urllib.request; urllib.request.urlopen(f\"http://127.0.0.1:{os.environ['TENFOLD_PORT']}/live\", timeout=2)"]
ENTRYPOINT ["python", "/opt/start.py"]
CMD ["/models/model"]

FROM bare AS holding
ARG MODEL
COPY ${MODEL} /models/model

FROM bare
