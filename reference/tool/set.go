package tool

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/drainproof/drainproof/reference/background"
	"github.com/drainproof/drainproof/reference/model"
	"github.com/drainproof/drainproof/reference/turn"
)

// The tools.
const (
	Clock         = "clock"
	BackgroundJob = "background_job"
)

// Known lists every tool.
func Known() []string { return []string{BackgroundJob, Clock} }

// Parse reads a comma-separated list of tools; an empty one is none.
func Parse(list string) ([]string, error) {
	var names []string
	for name := range strings.SplitSeq(list, ",") {
		name = strings.TrimSpace(name)
		if name == "" {
			continue
		}
		if !slices.Contains(Known(), name) {
			return nil, fmt.Errorf("there is no tool %q; there are %s", name, strings.Join(Known(), ", "))
		}
		names = append(names, name)
	}
	return names, nil
}

// Set is the tools that a gateway offers; it implements turn.Tools.
type Set struct {
	names []string
	jobs  *background.Jobs
}

// New returns the tools of these names.
func New(names []string, jobs *background.Jobs) *Set { return &Set{names: names, jobs: jobs} }

var described = map[string]model.ToolSpec{
	Clock: {
		Name:        Clock,
		Description: "Tells the time.",
		Parameters:  map[string]any{"type": "object", "properties": map[string]any{}},
	},
	BackgroundJob: {
		Name: BackgroundJob,
		Description: "Starts work that goes on in the background and returns at once. " +
			"You are told in a message of its own when it is done.",
		Parameters: map[string]any{
			"type": "object",
			"properties": map[string]any{
				"task":    map[string]any{"type": "string", "description": "what is to be done"},
				"seconds": map[string]any{"type": "number", "description": "how long it takes; without it, it is done when somebody says so"},
				"name":    map[string]any{"type": "string", "description": "a name to refer to it by"},
			},
			"required": []string{"task"},
		},
	},
}

// List implements turn.Tools.
func (s *Set) List() []model.ToolSpec {
	var tools []model.ToolSpec
	for _, name := range s.names {
		tools = append(tools, described[name])
	}
	return tools
}

// Call implements turn.Tools.
func (s *Set) Call(_ context.Context, request turn.Request, call model.ToolCall) string {
	if !slices.Contains(s.names, call.Name) {
		return fmt.Sprintf("error: there is no tool %q", call.Name)
	}
	switch call.Name {
	case BackgroundJob:
		return s.startJob(request, call.Arguments)
	default:
		return time.Now().UTC().Format(time.RFC3339Nano)
	}
}

func (s *Set) startJob(request turn.Request, arguments string) string {
	var order background.Order
	if err := json.Unmarshal([]byte(arguments), &order); err != nil {
		return fmt.Sprintf("error: the arguments are no JSON object as described: %v", err)
	}
	name, err := s.jobs.Start(request, order)
	if err != nil {
		return "error: " + err.Error()
	}
	return fmt.Sprintf("started %s; you are told when it is done", name)
}
