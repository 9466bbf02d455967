# Caddy as an ordinary user: its certificates lie in volumes that this user owns.
FROM caddy:2
RUN chown -R 10002:10002 /data /config
USER 10002:10002
