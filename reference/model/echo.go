package model

import (
	"context"
	"strings"
)

// Echo is the built-in model: it answers with the last user message.
type Echo struct{}

// Complete returns "echo: " and the last user message.
func (Echo) Complete(ctx context.Context, request Request) (string, error) {
	return "echo: " + request.LastUser(), ctx.Err()
}

// Stream hands out the same reply word by word.
func (e Echo) Stream(ctx context.Context, request Request, emit func(string) error) (string, error) {
	reply, err := e.Complete(ctx, request)
	if err != nil {
		return "", err
	}
	for piece := range strings.SplitAfterSeq(reply, " ") {
		if err := ctx.Err(); err != nil {
			return "", err
		}
		if piece == "" {
			continue
		}
		if err := emit(piece); err != nil {
			return "", err
		}
	}
	return reply, nil
}
