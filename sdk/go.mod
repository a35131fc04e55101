module github.com/botyard/botyard/sdk

go 1.26.0
