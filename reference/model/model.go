package model

import (
	"context"
	"fmt"
	"net/url"
	"os"
)

// The roles of messages.
const (
	System    = "system"
	Developer = "developer"
	User      = "user"
	Assistant = "assistant"
	Tool      = "tool"
)

// Message is one message of a conversation; its content is text.
type Message struct {
	Role       string `json:"role"`
	Content    string `json:"content"`
	ToolCallID string `json:"tool_call_id,omitempty"` // with role tool
	// ToolCalls is what the model wanted done, with role assistant.
	ToolCalls []ToolCall `json:"tool_calls,omitempty"`
}

// ToolCall is a model's wish to have a tool do something.
type ToolCall struct {
	ID        string `json:"id"`
	Name      string `json:"name"`
	Arguments string `json:"arguments"` // a JSON object, as the model wrote it
}

// ToolSpec is what a model is told of a tool.
type ToolSpec struct {
	Name        string
	Description string
	Parameters  map[string]any // a JSON Schema
}

// Reply is what a model says: text, or tool calls whose results it waits for.
type Reply struct {
	Content   string
	ToolCalls []ToolCall
}

// Request is what a model is asked.
type Request struct {
	Model    string // as the client named it; a configured name goes first
	Messages []Message
	Tools    []ToolSpec // what the model may call
}

// LastUser returns the text of the last user message, or "".
func (r Request) LastUser() string {
	for i := len(r.Messages) - 1; i >= 0; i-- {
		if r.Messages[i].Role == User {
			return r.Messages[i].Content
		}
	}
	return ""
}

// Model answers a conversation.
type Model interface {
	// Complete returns the whole reply at once.
	Complete(ctx context.Context, request Request) (Reply, error)
	// Stream hands every piece of the reply's text to emit as it arrives and returns
	// the whole. It ends early with the error of emit, if that fails.
	Stream(ctx context.Context, request Request, emit func(piece string) error) (Reply, error)
}

// Config says which model to use.
type Config struct {
	BaseURL string // MODEL_BASE_URL; empty means the echo
	APIKey  string // MODEL_API_KEY
	Name    string // MODEL_NAME; empty means the name in the client's request
}

// ConfigFromEnv reads MODEL_BASE_URL, MODEL_API_KEY and MODEL_NAME.
func ConfigFromEnv() Config {
	return Config{
		BaseURL: os.Getenv("MODEL_BASE_URL"),
		APIKey:  os.Getenv("MODEL_API_KEY"),
		Name:    os.Getenv("MODEL_NAME"),
	}
}

// New returns the model of a configuration.
func New(config Config) (Model, error) {
	if config.BaseURL == "" {
		return Echo{}, nil
	}
	base, err := url.Parse(config.BaseURL)
	if err != nil || base.Host == "" || (base.Scheme != "http" && base.Scheme != "https") {
		return nil, fmt.Errorf("MODEL_BASE_URL is %q, which is no http or https address; give one like http://127.0.0.1:11434/v1, or unset it for the built-in echo", config.BaseURL)
	}
	return newOpenAI(config), nil
}
