package probe

import (
	"encoding/json"
	"fmt"
	"regexp"

	"github.com/drainproof/drainproof/harness/wire"
)

// shape is where an answer holds the reply.
type shape struct {
	reply string                      // dotted path, where it comes whole
	event func(streamEvent) eventSays // where it is streamed
}

// chatShape is that of the wire openai-chat.
var chatShape = shape{reply: "choices.0.message.content", event: chatEvent}

// eventSays is what an event says.
type eventSays struct {
	text    []byte // another piece of the reply
	failure any    // the event, where it tells that there will be no reply
	done    bool   // the reply is whole
}

// textAt is the text at a dotted path; nil where there is none.
func textAt(v any, path string) []byte {
	found, ok := lookup(v, path)
	if !ok {
		return nil
	}
	text, ok := found.(string)
	if !ok {
		return nil
	}
	return []byte(text)
}

// chatEvent reads a chunk of a streamed chat completion.
func chatEvent(ev streamEvent) eventSays {
	if string(ev.data) == "[DONE]" {
		return eventSays{done: true}
	}
	var chunk struct {
		Choices []struct {
			Delta struct {
				Content string `json:"content"`
			} `json:"delta"`
		} `json:"choices"`
		Error json.RawMessage `json:"error"`
	}
	var says eventSays
	if json.Unmarshal(ev.data, &chunk) != nil {
		return says
	}
	if len(chunk.Error) > 0 && string(chunk.Error) != "null" {
		says.failure, _ = decodeJSON(ev.data) // it was decoded a moment ago
	}
	if len(chunk.Choices) > 0 {
		says.text = []byte(chunk.Choices[0].Delta.Content)
	}
	return says
}

// newShape is that of an ingress.
func newShape(spec wire.Ingress) (shape, error) {
	if spec.Reply == "" {
		return chatShape, nil
	}
	done, err := compileEvents(spec.Done)
	if err != nil {
		return shape{}, fmt.Errorf("done: %w", err)
	}
	failed, err := compileEvents(spec.Failed)
	if err != nil {
		return shape{}, fmt.Errorf("failed: %w", err)
	}
	event := func(ev streamEvent) eventSays {
		seen := &answer{text: ev.data}
		seen.json, _ = decodeJSON(ev.data) // what is no JSON has no paths
		says := eventSays{text: textAt(seen.json, spec.Reply), done: anyEvent(done, ev.name, seen)}
		if anyEvent(failed, ev.name, seen) {
			if says.failure = seen.json; says.failure == nil {
				says.failure = ev.name + " " + string(ev.data)
			}
		}
		return says
	}
	return shape{reply: spec.Reply, event: event}, nil
}

// eventPattern is one wire.StreamEvent, compiled.
type eventPattern struct {
	name *regexp.Regexp
	rest recogniser
}

func compileEvents(list []wire.StreamEvent) ([]eventPattern, error) {
	var all []eventPattern
	for i, spec := range list {
		var p eventPattern
		var err error
		if spec.Event != "" {
			if p.name, err = regexp.Compile(spec.Event); err != nil {
				return nil, fmt.Errorf("pattern %d: %w", i+1, err)
			}
		}
		if p.name == nil || len(spec.JSON) > 0 || spec.Text != "" {
			if p.rest, err = compile(wire.Recognise{JSON: spec.JSON, Text: spec.Text}); err != nil {
				return nil, fmt.Errorf("pattern %d: %w", i+1, err)
			}
		}
		all = append(all, p)
	}
	return all, nil
}

func anyEvent(list []eventPattern, name string, seen *answer) bool {
	for _, p := range list {
		if (p.name == nil || p.name.MatchString(name)) && p.rest.matches(seen) {
			return true
		}
	}
	return false
}
