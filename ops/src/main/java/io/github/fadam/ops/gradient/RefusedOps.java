package io.github.fadam.ops.gradient;

import io.github.fadam.ops.gradient.OpKnowledge.Finding;
import java.util.Arrays;
import java.util.Collections;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * Types of operations to which Python gives a gradient and neither TensorFlow's C++ side nor this
 * library does, each with the reason. A user's registered gradient takes precedence.
 */
final class RefusedOps {

  private static final Map<String, Finding> REASONS = reasons();

  private RefusedOps() {}

  static Optional<Finding> reason(String type) {
    return Optional.ofNullable(REASONS.get(type));
  }

  private static Map<String, Finding> reasons() {
    Map<String, Finding> reasons = new TreeMap<>();
    put(
        reasons,
        "it is part of a program for several devices",
        "Save the model without its distribution strategy",
        "AllToAll CollectivePermute CopyToMesh CopyToMeshGrad CrossReplicaSum NcclAllReduce"
            + " NcclBroadcast NcclReduce Relayout RelayoutLike TPUEmbeddingActivations"
            + " XlaClusterOutput XlaEinsum XlaSharding XlaSpmdFullToShardShape"
            + " XlaSpmdShardToFullShape");
    put(
        reasons,
        "it exists on GPUs of NVIDIA only, and so would its gradient",
        "Use the loop that Keras saves for other devices",
        "CudnnRNN CudnnRNNV2 CudnnRNNV3");
    put(
        reasons,
        "it is itself a gradient, and its own is not written",
        "Leave second derivatives through it out of the loss",
        "DebugGradientRefIdentity FusedBatchNormGrad FusedBatchNormGradV2 FusedBatchNormGradV3"
            + " QuantizeAndDequantizeV4Grad");
    put(
        reasons,
        "gradients of sparse matrices in CSR form are not written",
        "Use a sparse tensor and SparseTensorDenseMatMul",
        "CSRSparseMatrixToDense CSRSparseMatrixToSparseTensor DenseToCSRSparseMatrix"
            + " SparseMatrixAdd SparseMatrixMatMul SparseMatrixMul SparseMatrixSoftmax"
            + " SparseMatrixSparseMatMul SparseMatrixTranspose SparseTensorToCSRSparseMatrix");
    put(
        reasons,
        "gradients of ragged tensors and of tensors packed in variants are not written",
        "Pad to dense tensors before the first variable",
        "CompositeTensorVariantFromComponents CompositeTensorVariantToComponents"
            + " OptionalFromValue OptionalGetValue RaggedFillEmptyRows RaggedGather"
            + " RaggedTensorFromVariant RaggedTensorToTensor RaggedTensorToVariant");
    put(
        reasons,
        "it runs Python, which is not here",
        "Write it with TensorFlow operations in the model",
        "EagerPyFunc _EagerConst");
    for (String version : new String[] {"", "V2", "V3"}) {
      put(
          reasons,
          "it is of the arrays that loops of version 1 use, whose gradients end the process",
          "Save the model with control flow v2, whose loops use tensor lists",
          String.join(version + " ", "TensorArrayConcat", "TensorArrayGather", "TensorArrayRead")
              + version
              + " "
              + String.join(
                  version + " ", "TensorArrayScatter", "TensorArraySplit", "TensorArrayWrite")
              + version);
    }
    put(
        reasons,
        "TensorFlow has removed it, and graphs with it do not run",
        "Save the model with a later TensorFlow",
        "BatchNormWithGlobalNormalization TopK");
    put(
        reasons,
        "its eigenvalues are complex even where the matrix is real",
        "Use SelfAdjointEigV2 where the matrix is symmetric",
        "Eig");
    put(
        reasons,
        "which formula holds depends on the shape of the matrix",
        "Solve the normal equations with MatrixSolve",
        "MatrixSolveLs");
    put(reasons, "it is not exact, and its gradient not written", "Use TopKV2", "ApproxTopK");
    put(
        reasons,
        "its gradient is not written",
        "Keep it in front of the first variable, or write it with other operations",
        "ImageProjectiveTransformV2 ImageProjectiveTransformV3 IsotonicRegression RGBToHSV"
            + " SparseSoftmax SparseSparseMaximum SparseSparseMinimum"
            + " StatelessParameterizedTruncatedNormal");
    return Collections.unmodifiableMap(reasons);
  }

  private static void put(
      Map<String, Finding> reasons, String problem, String remedy, String types) {
    Finding finding = new Finding(problem, remedy);
    Arrays.stream(types.split(" ", -1)).forEach(type -> reasons.put(type, finding));
  }
}
