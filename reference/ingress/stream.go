package ingress

import "net/http"

// stream writes a reply as server-sent events, each flushed as it comes. The
// headers go out with the first piece, so that a turn that fails before it said
// anything still gets a proper status.
type stream struct {
	w     http.ResponseWriter
	out   *http.ResponseController
	chunk completion
	begun bool
}

func newStream(w http.ResponseWriter, model string) *stream {
	return &stream{w: w, out: http.NewResponseController(w), chunk: newCompletion("chat.completion.chunk", model)}
}

// piece sends a piece of the reply.
func (s *stream) piece(content string) error {
	delta := text{Content: content}
	if !s.begun {
		delta.Role = "assistant"
	}
	return s.send(choice{Delta: &delta})
}

// end closes a reply that is whole.
func (s *stream) end() error {
	if err := s.send(choice{Delta: &text{}, FinishReason: &finished}); err != nil {
		return err
	}
	return s.event([]byte("[DONE]\n"))
}

// fail tells of an error, in place of the end: there is no [DONE] after it.
func (s *stream) fail(f failure) {
	if !s.begun {
		writeFailure(s.w, f)
		return
	}
	_ = s.event(f.body()) // fails when the client is gone
}

func (s *stream) send(c choice) error {
	s.chunk.Choices = []choice{c}
	return s.event(encode(s.chunk))
}

// event sends one event; data ends with a line feed.
func (s *stream) event(data []byte) error {
	if !s.begun {
		s.begun = true
		s.w.Header().Set("Content-Type", "text/event-stream")
		s.w.Header().Set("Cache-Control", "no-cache")
		s.w.WriteHeader(http.StatusOK)
	}
	line := make([]byte, 0, len(data)+len("data: \n"))
	line = append(line, "data: "...)
	line = append(line, data...)
	line = append(line, '\n')
	if _, err := s.w.Write(line); err != nil {
		return err
	}
	return s.out.Flush()
}
