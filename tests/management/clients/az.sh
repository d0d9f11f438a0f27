# The common verbs of `az apim`. Arguments: those of az_sign_in.sh.
. "$(dirname "$0")/az_sign_in.sh"
at="--resource-group rg1 --service-name apim1"

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
