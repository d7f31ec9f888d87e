"""ONNX files as data: read strictly, their work bounded, and written anew, without onnx and without onnxruntime."""
