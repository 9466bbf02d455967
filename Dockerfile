# One image for web, worker and beat; nothing in it runs as root.
FROM node:22-bookworm-slim AS libraries
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --ignore-scripts --no-audit --no-fund

FROM python:3.13-slim-bookworm
ENV PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 DJANGO_SETTINGS_MODULE=config.settings ARREARS_VAR=/var/lib/arrears
WORKDIR /app
COPY requirements.lock ./
RUN pip install --no-cache-dir --require-hashes -r requirements.lock
COPY . .
COPY --from=libraries /app/node_modules node_modules
# Static files are part of the image; the values below exist during this step only.
RUN useradd --system --uid 10001 --home-dir /var/lib/arrears arrears \
    && python -m house.messages \
    && ARREARS_VAR=/tmp/build STATIC_MANIFEST=true STATIC_ROOT=/app/collected python manage.py collectstatic --noinput -v0 \
    && rm -rf /tmp/build \
    && install -d -o arrears -g arrears -m 0750 /var/lib/arrears
ENV STATIC_ROOT=/app/collected
USER arrears
VOLUME /var/lib/arrears
EXPOSE 8000
CMD ["granian", "--interface", "wsgi", "--host", "0.0.0.0", "--port", "8000", "--workers", "2", "--blocking-threads", "8", "--no-ws", "config.wsgi:application"]
