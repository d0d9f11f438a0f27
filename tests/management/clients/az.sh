# The common verbs of `az apim`. Arguments: az, address of the plane, its certificate, client id, client secret.
set -eu
az=$1 url=$2
export REQUESTS_CA_BUNDLE=$3 AZURE_CORE_INSTANCE_DISCOVERY=false AZURE_CORE_COLLECT_TELEMETRY=false
export AZURE_CORE_ONLY_SHOW_ERRORS=true
at="--resource-group rg1 --service-name apim1"

"$az" cloud register --name plane --endpoint-resource-manager "$url"
"$az" cloud set --name plane
"$az" login --service-principal --username "$4" --password "$5" --tenant 00000000-0000-0000-0000-000000000000 >/dev/null

is() { # is EXPECTED COMMAND…
    expected=$1
    shift
    found=$("$@" --output tsv)
    [ "$found" = "$expected" ] || { echo "'$found' instead of '$expected' from: $*" >&2; exit 1; }
}

is apim1 "$az" apim show --resource-group rg1 --name apim1 --query name
is apim1 "$az" apim list --query "[].name"
is false "$az" apim check-name --name apim1 --query nameAvailable
"$az" apim api create $at --api-id orders --path orders --display-name Orders --protocols https >/dev/null
is orders "$az" apim api list $at --query "[].name"
"$az" apim api update $at --api-id orders --description text >/dev/null
is text "$az" apim api show $at --api-id orders --query description
"$az" apim api operation create $at --api-id orders --operation-id get --url-template /items --method GET \
    --display-name Get >/dev/null
is get "$az" apim api operation list $at --api-id orders --query "[].name"
"$az" apim product create $at --product-id gold --product-name Gold --state published >/dev/null
"$az" apim product api add $at --product-id gold --api-id orders >/dev/null
"$az" apim product api check $at --product-id gold --api-id orders
is orders "$az" apim product api list $at --product-id gold --query "[].name"
"$az" apim product api delete $at --product-id gold --api-id orders
"$az" apim nv create $at --named-value-id nv --display-name nv --value v --secret true >/dev/null
is v "$az" apim nv show-secret $at --named-value-id nv --query value
"$az" apim nv update $at --named-value-id nv --value w >/dev/null
is w "$az" apim nv show-secret $at --named-value-id nv --query value
"$az" apim nv delete $at --named-value-id nv --yes
"$az" apim product delete $at --product-id gold --yes
"$az" apim api delete $at --api-id orders --yes
is "" "$az" apim api list $at --query "[].name"
