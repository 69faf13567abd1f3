// Makes the calls that standard input lists, one after the other, with AWS's SDK for Go v2. A call is {"service",
// "operation", "input"}; for each, standard output gets {"requestId", "error"} (null when it succeeded).
package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"reflect"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/middleware"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"
	smithymiddleware "github.com/aws/smithy-go/middleware"
)

type call struct {
	Service   string
	Operation string
	Input     map[string]any
}

type result struct {
	RequestID *string `json:"requestId"`
	Error     *string `json:"error"`
}

func configuration() aws.Config {
	endpoint := func(service, region string, options ...interface{}) (aws.Endpoint, error) {
		return aws.Endpoint{URL: os.Getenv("AWS_ENDPOINT_URL"), HostnameImmutable: true}, nil
	}
	return aws.Config{
		Region:                      os.Getenv("AWS_REGION"),
		Credentials:                 credentials.NewStaticCredentialsProvider(os.Getenv("AWS_ACCESS_KEY_ID"), os.Getenv("AWS_SECRET_ACCESS_KEY"), ""),
		EndpointResolverWithOptions: aws.EndpointResolverWithOptionsFunc(endpoint),
		RetryMaxAttempts:            1,
	}
}

// A body is text in the list, and a stream in the SDK.
func read(input map[string]any, into any) {
	if body, isText := input["Body"].(string); isText {
		delete(input, "Body")
		reflect.ValueOf(into).Elem().FieldByName("Body").Set(reflect.ValueOf(io.Reader(strings.NewReader(body))))
	}
	text, err := json.Marshal(input)
	if err != nil {
		panic(err)
	}
	if err := json.Unmarshal(text, into); err != nil {
		panic(err)
	}
}

func made(client any, each call) result {
	method := reflect.ValueOf(client).MethodByName(each.Operation)
	input := reflect.New(method.Type().In(1).Elem())
	read(each.Input, input.Interface())
	answer := method.Call([]reflect.Value{reflect.ValueOf(context.Background()), input})
	if err, failed := answer[1].Interface().(error); failed {
		code, id := "", ""
		var apiError smithy.APIError
		if errors.As(err, &apiError) {
			code = apiError.ErrorCode()
		} else {
			code = err.Error()
		}
		var responseError *awshttp.ResponseError
		if errors.As(err, &responseError) {
			id = responseError.ServiceRequestID()
		}
		return result{&id, &code}
	}
	metadata := answer[0].Elem().FieldByName("ResultMetadata").Interface().(smithymiddleware.Metadata)
	id, _ := middleware.GetRequestIDMetadata(metadata)
	return result{&id, nil}
}

func main() {
	config := configuration()
	clients := map[string]any{
		"cloudformation": cloudformation.NewFromConfig(config),
		"cloudtrail":     cloudtrail.NewFromConfig(config),
		"cloudwatch":     cloudwatch.NewFromConfig(config),
		"dynamodb":       dynamodb.NewFromConfig(config),
		"ec2":            ec2.NewFromConfig(config),
		"events":         eventbridge.NewFromConfig(config),
		"iam":            iam.NewFromConfig(config),
		"kms":            kms.NewFromConfig(config),
		"lambda":         lambda.NewFromConfig(config),
		"logs":           cloudwatchlogs.NewFromConfig(config),
		"s3":             s3.NewFromConfig(config, func(options *s3.Options) { options.UsePathStyle = true }),
		"secretsmanager": secretsmanager.NewFromConfig(config),
		"sns":            sns.NewFromConfig(config),
		"sqs":            sqs.NewFromConfig(config),
		"ssm":            ssm.NewFromConfig(config),
		"sts":            sts.NewFromConfig(config),
	}
	var calls []call
	if err := json.NewDecoder(os.Stdin).Decode(&calls); err != nil {
		panic(err)
	}
	results := []result{}
	for _, each := range calls {
		results = append(results, made(clients[each.Service], each))
	}
	if err := json.NewEncoder(os.Stdout).Encode(results); err != nil {
		panic(err)
	}
}
