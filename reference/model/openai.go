package model

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"
)

// fallbackName is sent when neither the configuration nor the client names a model.
const fallbackName = "default"

type openAI struct {
	completions openai.ChatCompletionService
	name        string
}

// newOpenAI uses the chat service by itself: unlike the SDK's whole client it
// reads no environment variables but the ones this gateway documents.
func newOpenAI(config Config) *openAI {
	options := []option.RequestOption{
		option.WithBaseURL(strings.TrimRight(config.BaseURL, "/") + "/"),
		option.WithHTTPClient(&http.Client{Transport: transport()}),
		option.WithMaxRetries(0), // a turn is called once; whether to try again is the client's decision
	}
	if config.APIKey != "" {
		options = append(options, option.WithAPIKey(config.APIKey))
	}
	return &openAI{completions: openai.NewChatCompletionService(options...), name: config.Name}
}

// transport keeps one connection per turn in flight, however many there are, and
// little memory with each: a thousand of them wait most of the time.
func transport() *http.Transport {
	return &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           (&net.Dialer{Timeout: 10 * time.Second}).DialContext,
		TLSHandshakeTimeout:   10 * time.Second,
		MaxIdleConns:          256,
		MaxIdleConnsPerHost:   256,
		IdleConnTimeout:       30 * time.Second,
		ReadBufferSize:        2 << 10,
		WriteBufferSize:       2 << 10,
		ForceAttemptHTTP2:     true,
		ResponseHeaderTimeout: 0, // a model may think for as long as it likes
	}
}

func (o *openAI) Complete(ctx context.Context, request Request) (Reply, error) {
	params, err := o.params(request)
	if err != nil {
		return Reply{}, err
	}
	completion, err := o.completions.New(ctx, params)
	if err != nil {
		return Reply{}, fmt.Errorf("the model call failed: %w", err)
	}
	if len(completion.Choices) == 0 {
		return Reply{}, errors.New("the model's answer has no choices")
	}
	message := completion.Choices[0].Message
	reply := Reply{Content: message.Content}
	for _, call := range message.ToolCalls {
		reply.ToolCalls = append(reply.ToolCalls, ToolCall{ID: call.ID, Name: call.Function.Name, Arguments: call.Function.Arguments})
	}
	return reply, nil
}

func (o *openAI) Stream(ctx context.Context, request Request, emit func(string) error) (Reply, error) {
	params, err := o.params(request)
	if err != nil {
		return Reply{}, err
	}
	stream := o.completions.NewStreaming(ctx, params)
	defer stream.Close()
	var text strings.Builder
	var calls []ToolCall
	whole := false
	for stream.Next() {
		chunk := stream.Current()
		if len(chunk.Choices) == 0 {
			continue // usage and the like
		}
		choice := chunk.Choices[0]
		if choice.FinishReason != "" {
			whole = true
		}
		for _, piece := range choice.Delta.ToolCalls {
			if calls, err = addPiece(calls, piece); err != nil {
				return Reply{}, err
			}
		}
		if choice.Delta.Content == "" {
			continue
		}
		text.WriteString(choice.Delta.Content)
		if err := emit(choice.Delta.Content); err != nil {
			return Reply{}, err
		}
	}
	if err := stream.Err(); err != nil {
		return Reply{}, fmt.Errorf("the model's stream failed: %w", err)
	}
	if !whole {
		// The SDK takes a stream that just ends for a good one. A cut reply must not
		// be handed on, or stored, as a whole one.
		return Reply{}, errors.New("the model's stream ended without a finish_reason: the reply is not whole")
	}
	return Reply{Content: text.String(), ToolCalls: calls}, nil
}

func (o *openAI) params(request Request) (openai.ChatCompletionNewParams, error) {
	params := openai.ChatCompletionNewParams{Model: o.name}
	if params.Model == "" {
		params.Model = request.Model
	}
	if params.Model == "" {
		params.Model = fallbackName
	}
	for _, tool := range request.Tools {
		params.Tools = append(params.Tools, openai.ChatCompletionFunctionTool(openai.FunctionDefinitionParam{
			Name: tool.Name, Description: openai.String(tool.Description), Parameters: tool.Parameters,
		}))
	}
	for _, message := range request.Messages {
		converted, err := convert(message)
		if err != nil {
			return params, err
		}
		params.Messages = append(params.Messages, converted)
	}
	return params, nil
}

func convert(message Message) (openai.ChatCompletionMessageParamUnion, error) {
	switch message.Role {
	case System:
		return openai.SystemMessage(message.Content), nil
	case Developer:
		return openai.DeveloperMessage(message.Content), nil
	case User:
		return openai.UserMessage(message.Content), nil
	case Assistant:
		return assistant(message), nil
	case Tool:
		return openai.ToolMessage(message.Content, message.ToolCallID), nil
	}
	return openai.ChatCompletionMessageParamUnion{}, fmt.Errorf("a message has the role %q, which no model knows", message.Role)
}
