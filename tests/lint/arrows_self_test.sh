#!/bin/bash
# The check of the check: each kind of violation, planted in a small tree, is caught.
exec bash "$(dirname "$0")/arrows.sh" --self-test
