#!/bin/bash
# Install the Debian packages a bare machine lacks, and only those. Usage: tools/debian.sh python|tests|bench
set -euo pipefail

need=()
case "$1" in
python)
    python3 -c 'import venv, ensurepip' 2>/dev/null || need+=(python3-venv python3-pip)
    ;;
tests)
    [ -x /usr/bin/chromium ] || need+=(chromium)
    [ -x /usr/bin/firefox-esr ] || need+=(firefox-esr)
    [ -x /usr/sbin/mosquitto ] || need+=(mosquitto)
    [ -x /usr/lib/rabbitmq/bin/rabbitmq-server ] || need+=(rabbitmq-server)
    [ -x /usr/lib/postgresql/15/bin/initdb ] && [ -e /usr/share/postgresql/15/extension/postgis.control ] ||
        need+=(postgresql-15-postgis-3)
    [ -x /usr/bin/pdftotext ] || need+=(poppler-utils)
    command -v node >/dev/null && command -v npm >/dev/null || need+=(nodejs npm)
    [ -x /usr/bin/ffprobe ] || need+=(ffmpeg)
    [ -x /usr/bin/gst-launch-1.0 ] && ls /usr/lib/*/gstreamer-1.0/libgstlibav.so >/dev/null 2>&1 ||
        need+=(gstreamer1.0-tools gstreamer1.0-plugins-{base,good,bad} gstreamer1.0-libav)
    ls /usr/lib/*/girepository-1.0/GstRtspServer-1.0.typelib >/dev/null 2>&1 ||
        need+=(python3-gi gir1.2-gst-rtsp-server-1.0 gir1.2-gst-plugins-base-1.0 gstreamer1.0-rtsp)
    /usr/bin/python3 -c 'import qgis.core' 2>/dev/null || need+=(python3-qgis qgis-providers)
    ;;
bench)
    [ -e /usr/share/postgresql/15/extension/pgrouting.control ] || need+=(postgresql-15-pgrouting)
    ;;
*)
    echo "usage: $0 python|tests|bench" >&2
    exit 2
    ;;
esac
[ ${#need[@]} -eq 0 ] && exit 0

if ! command -v apt-get >/dev/null || [ "$(id -u)" -ne 0 ]; then
    echo "missing: ${need[*]}. Install them, or run this as root on Debian." >&2
    exit 1
fi
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
apt-get install -y -qq --no-install-recommends "${need[@]}"
# A server started by its package would hold the standard port; the tests start their own.
for service in mosquitto postgresql rabbitmq-server; do
    if [[ " ${need[*]} " == *" $service"* ]] && command -v service >/dev/null; then
        service "$service" stop >/dev/null 2>&1 || true
    fi
done
