# Templates by `az deployment group`. Arguments: those of az_sign_in.sh.
. "$(dirname "$0")/az_sign_in.sh"
at="--resource-group rg1 --service-name apim1"

template=$(dirname "$0")/deployment.json
deployment="--resource-group rg1 --name first"
# What it would do, of which nothing is done.
what_if() {
    "$az" deployment group what-if --resource-group rg1 --template-file "$template" --parameters api=invoices "$@"
}
is "Create Create Ignore" what_if --no-pretty-print --query "join(' ', changes[].changeType)"
what_if >"$AZURE_CONFIG_DIR/plan"
grep -q "2 to create, 1 to ignore." "$AZURE_CONFIG_DIR/plan" || { cat "$AZURE_CONFIG_DIR/plan" >&2; exit 1; }
is INVOICES "$az" deployment group create $deployment --template-file "$template" --parameters api=invoices \
    --query properties.outputs.api.value
is invoices "$az" apim api list $at --query "[].name"
is "NoChange NoChange Ignore" what_if --no-pretty-print --query "join(' ', changes[].changeType)"
what_if --parameters policy="<policies><inbound /></policies>" >"$AZURE_CONFIG_DIR/plan"
grep -q "~ properties.value" "$AZURE_CONFIG_DIR/plan" && grep -q "1 to modify, 1 no change, 1 to ignore." "$AZURE_CONFIG_DIR/plan" \
    || { cat "$AZURE_CONFIG_DIR/plan" >&2; exit 1; }
is Succeeded "$az" deployment group show $deployment --query properties.provisioningState
is first "$az" deployment group list --resource-group rg1 --query "[].name"
is 2 "$az" deployment operation group list $deployment --query "length(@)"
is Succeeded "$az" deployment group validate --resource-group rg1 --template-file "$template" --parameters api=x \
    --query properties.provisioningState
if "$az" deployment group create --resource-group rg1 --name bad --template-file "$template" --parameters api=invoices \
    policy="<policies><inbound><nothing /></inbound></policies>" 2>"$AZURE_CONFIG_DIR/error"; then exit 1; fi
grep -q "DeploymentFailed" "$AZURE_CONFIG_DIR/error" && grep -q "'nothing'" "$AZURE_CONFIG_DIR/error" \
    || { cat "$AZURE_CONFIG_DIR/error" >&2; exit 1; }
"$az" deployment group delete $deployment
"$az" apim api delete $at --api-id invoices --yes
