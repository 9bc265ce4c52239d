package model

import (
	"fmt"

	"github.com/openai/openai-go/v3"
)

// maxToolCalls is how many tool calls one reply may hold.
const maxToolCalls = 64

// addPiece adds a piece of a streamed tool call to those that are being put
// together. A piece says by its index which call it belongs to.
func addPiece(calls []ToolCall, piece openai.ChatCompletionChunkChoiceDeltaToolCall) ([]ToolCall, error) {
	if piece.Index < 0 || piece.Index >= maxToolCalls {
		return nil, fmt.Errorf("the model's stream holds a tool call with the index %d; it may be 0 to %d", piece.Index, maxToolCalls-1)
	}
	for int(piece.Index) >= len(calls) {
		calls = append(calls, ToolCall{})
	}
	call := &calls[piece.Index]
	if piece.ID != "" {
		call.ID = piece.ID
	}
	call.Name += piece.Function.Name
	call.Arguments += piece.Function.Arguments
	return calls, nil
}

// assistant converts a message of the model's own, which may hold tool calls.
func assistant(message Message) openai.ChatCompletionMessageParamUnion {
	converted := openai.AssistantMessage(message.Content)
	for _, call := range message.ToolCalls {
		converted.OfAssistant.ToolCalls = append(converted.OfAssistant.ToolCalls, openai.ChatCompletionMessageToolCallUnionParam{
			OfFunction: &openai.ChatCompletionMessageFunctionToolCallParam{
				ID:       call.ID,
				Function: openai.ChatCompletionMessageFunctionToolCallFunctionParam{Name: call.Name, Arguments: call.Arguments},
			},
		})
	}
	return converted
}
