module github.com/botyard/botyard/plugins/memory-buffer

go 1.26.0

require github.com/botyard/botyard/sdk v0.0.0

require go.uber.org/goleak v1.3.0 // indirect

replace github.com/botyard/botyard/sdk => ../../sdk
