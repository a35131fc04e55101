package sdk

import (
	"context"
	"crypto/subtle"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/tap"
)

// RequireSecret returns the option of a gRPC server that refuses each call whose metadata do not
// have the secret as their only value of SecretMetadata, with the code Unauthenticated. It refuses
// a call before it reads the request.
func RequireSecret(secret string) grpc.ServerOption {
	want := []byte(secret)
	return grpc.InTapHandle(func(ctx context.Context, info *tap.Info) (context.Context, error) {
		got := info.Header.Get(SecretMetadata)
		if len(got) != 1 || subtle.ConstantTimeCompare([]byte(got[0]), want) != 1 {
			return nil, status.Error(codes.Unauthenticated, "the call does not have the secret of the host that started this plugin")
		}
		return ctx, nil
	})
}

// Secret is the secret of a plugin process as credentials of each call of its host. It implements
// credentials.PerRPCCredentials.
type Secret string

// GetRequestMetadata returns the metadata with the secret.
func (s Secret) GetRequestMetadata(context.Context, ...string) (map[string]string, error) {
	return map[string]string{SecretMetadata: string(s)}, nil
}

// RequireTransportSecurity returns false, because a unix socket or a loopback address connects host
// and plugin.
func (s Secret) RequireTransportSecurity() bool { return false }

// String returns a text without the secret.
func (s Secret) String() string { return "[secret]" }

// GoString returns a text without the secret.
func (s Secret) GoString() string { return s.String() }
