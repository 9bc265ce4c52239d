package conformance

import (
	_ "embed"
	"fmt"
	"sync"

	"github.com/goccy/go-yaml"
)

//go:embed flakes.yaml
var flakesYAML []byte

// flakes are the checks of the flake ledger, with what is known of each. The file is
// part of the binary, so an error in it is a programming error; a test reads it.
var flakes = sync.OnceValue(func() map[string]string {
	list, err := parseFlakes(flakesYAML)
	if err != nil {
		panic(fmt.Sprintf("conformance/flakes.yaml: %v", err))
	}
	return list
})

func parseFlakes(data []byte) (map[string]string, error) {
	var file struct {
		Schema int `yaml:"schema"`
		Flakes []struct {
			Requirement string `yaml:"requirement"`
			Found       string `yaml:"found"`
			Why         string `yaml:"why"`
		} `yaml:"flakes"`
	}
	if err := yaml.UnmarshalWithOptions(data, &file, yaml.Strict()); err != nil {
		return nil, err
	}
	if file.Schema != 1 {
		return nil, fmt.Errorf("schema is %d, this program reads 1", file.Schema)
	}
	list := map[string]string{}
	for _, f := range file.Flakes {
		switch _, known := Find(f.Requirement); {
		case !known:
			return nil, fmt.Errorf("there is no requirement %q", f.Requirement)
		case list[f.Requirement] != "":
			return nil, fmt.Errorf("%s stands twice", f.Requirement)
		case f.Found == "" || f.Why == "":
			return nil, fmt.Errorf("%s: found and why are needed", f.Requirement)
		}
		list[f.Requirement] = f.Found + ": " + f.Why
	}
	return list, nil
}
