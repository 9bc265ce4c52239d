package docker

import _ "github.com/docker/cli/cli/connhelper"
