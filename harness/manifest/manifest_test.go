package manifest_test

import (
	_ "github.com/rhysd/actionlint"
	_ "k8s.io/api/batch/v1"
	_ "sigs.k8s.io/yaml"
)
