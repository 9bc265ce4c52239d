package ingress

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestParseChat(t *testing.T) {
	cases := map[string]struct {
		body string
		want string // content of the last message; "!" = an error
	}{
		"text":         {`{"messages":[{"role":"user","content":"hi"}]}`, "hi"},
		"parts":        {`{"messages":[{"role":"user","content":[{"type":"text","text":"a"},{"type":"text","text":"b"}]}]}`, "ab"},
		"null":         {`{"messages":[{"role":"assistant","content":null}]}`, ""},
		"more fields":  {`{"temperature":1,"messages":[{"role":"user","content":"hi","name":"x"}]}`, "hi"},
		"an image":     {`{"messages":[{"role":"user","content":[{"type":"image_url"}]}]}`, "!"},
		"no messages":  {`{}`, "!"},
		"no object":    {`7`, "!"},
		"empty":        {``, "!"},
		"unknown role": {`{"messages":[{"role":"king","content":"x"}]}`, "!"},
		"a number":     {`{"messages":[{"role":"user","content":7}]}`, "!"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			chat, err := parseChat([]byte(c.body))
			if (err != nil) != (c.want == "!") {
				t.Fatalf("got %+v, %v", chat, err)
			}
			if err == nil && string(chat.Messages[len(chat.Messages)-1].Content) != c.want {
				t.Errorf("got %+v", chat)
			}
		})
	}
}

func TestSessionNames(t *testing.T) {
	for session, ok := range map[string]bool{"": true, "s-1": true, "é": true, "a\x01b": false, strings.Repeat("x", maxSession+1): false} {
		request := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(`{"messages":[{"role":"user","content":"hi"}]}`))
		request.Header[SessionHeader] = []string{session}
		if _, _, err := parseRequest(httptest.NewRecorder(), request); (err == nil) != ok {
			t.Errorf("%.20q: %v", session, err)
		}
	}
}

func FuzzParseChat(f *testing.F) {
	f.Add([]byte(`{"stream":true,"messages":[{"role":"user","content":"hi"}]}`))
	f.Add([]byte(`{"messages":[{"role":"tool","content":[{"type":"text","text":"a"}],"tool_call_id":"1"}]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		chat, err := parseChat(body)
		if err != nil {
			return
		}
		if len(chat.Messages) == 0 {
			t.Error("a turn without messages")
		}
		for _, message := range chat.Messages {
			if !roles[message.Role] {
				t.Errorf("role %q", message.Role)
			}
		}
	})
}
