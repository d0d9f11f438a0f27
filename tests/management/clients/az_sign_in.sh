# Signs `az` in; for others to read in. Arguments: az, address of the plane, its certificate, client id, client secret.
set -eu
az=$1 url=$2
export REQUESTS_CA_BUNDLE=$3 AZURE_CORE_INSTANCE_DISCOVERY=false AZURE_CORE_COLLECT_TELEMETRY=false
export AZURE_CORE_ONLY_SHOW_ERRORS=true
"$az" cloud register --name plane --endpoint-resource-manager "$url"
"$az" cloud set --name plane
"$az" login --service-principal --username "$4" --password "$5" --tenant 00000000-0000-0000-0000-000000000000 >/dev/null

is() { # is EXPECTED COMMAND…
    expected=$1
    shift
    found=$("$@" --output tsv)
    [ "$found" = "$expected" ] || { echo "'$found' instead of '$expected' from: $*" >&2; exit 1; }
}
