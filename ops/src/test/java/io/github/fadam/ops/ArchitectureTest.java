package io.github.fadam.ops;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;

import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;
import org.tensorflow.op.core.VarHandleOp;
import org.tensorflow.op.core.Variable;

@AnalyzeClasses(
    packages = "io.github.fadam.ops",
    importOptions = {ImportOption.DoNotIncludeTests.class, ImportOption.DoNotIncludeJars.class})
class ArchitectureTest {

  @ArchTest
  static final ArchRule fisherKnowsNothingOfOurs =
      classes()
          .that()
          .resideInAPackage("..ops.fisher..")
          .should()
          .onlyDependOnClassesThat()
          .resideInAnyPackage("..ops.fisher..", "org.tensorflow..", "java..");

  @ArchTest
  static final ArchRule variableKnowsNothingOfOurs =
      classes()
          .that()
          .resideInAPackage("..ops.variable..")
          .should()
          .onlyDependOnClassesThat()
          .resideInAnyPackage("..ops.variable..", "org.tensorflow..", "java..");

  @ArchTest
  static final ArchRule onlyTheVariablePackageKnowsTheOperationsOfVariables =
      noClasses()
          .that()
          .resideOutsideOfPackage("..ops.variable..")
          .should()
          .dependOnClassesThat()
          .areAssignableTo(VarHandleOp.class)
          .orShould()
          .dependOnClassesThat()
          .areAssignableTo(Variable.class);

  @ArchTest
  static final ArchRule nothingDependsOnTheFrameworkModule =
      noClasses()
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage("org.tensorflow.framework..", "io.github.fadam.framework..");

  @ArchTest
  static final ArchRule namesSayWhatAClassIs =
      noClasses().should().haveNameMatching(".*(Utils?|Helper|Manager|Impl)");
}
