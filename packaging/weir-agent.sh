#!/bin/sh
# The agent with the Node beside it, wherever the two are unpacked and linked to.
here=$(dirname -- "$(readlink -f -- "$0")")
exec "$here/../lib/node" "$here/../lib/weir-agent.mjs" "$@"
