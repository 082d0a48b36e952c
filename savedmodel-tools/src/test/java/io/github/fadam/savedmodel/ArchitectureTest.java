package io.github.fadam.savedmodel;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;

/** The way data goes, as rules: no package looks back. */
@AnalyzeClasses(
    packages = "io.github.fadam.savedmodel",
    importOptions = ImportOption.DoNotIncludeTests.class)
class ArchitectureTest {

  private static final String ROOT = "io.github.fadam.savedmodel.";

  @ArchTest
  static final ArchRule PACKAGES_HAVE_NO_CYCLES =
      slices().matching(ROOT + "(*)..").should().beFreeOfCycles();

  @ArchTest
  static final ArchRule A_DESCRIPTION_EXECUTES_NOTHING =
      noClasses()
          .that()
          .resideInAPackage(ROOT + "model")
          .should()
          .dependOnClassesThat()
          .haveFullyQualifiedName("org.tensorflow.Graph")
          .orShould()
          .dependOnClassesThat()
          .haveFullyQualifiedName("org.tensorflow.Session")
          .orShould()
          .dependOnClassesThat()
          .haveFullyQualifiedName("org.tensorflow.SavedModelBundle");

  @ArchTest
  static final ArchRule INLINING_KNOWS_ONLY_THE_DESCRIPTION =
      noClasses()
          .that()
          .resideInAPackage(ROOT + "inline")
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage(
              ROOT + "data",
              ROOT + "training",
              ROOT + "export",
              ROOT + "cli",
              "io.github.fadam.framework.optimizer");

  @ArchTest
  static final ArchRule DATA_KNOWS_NO_TRAINING =
      noClasses()
          .that()
          .resideInAPackage(ROOT + "data")
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage(ROOT + "training", ROOT + "inline", ROOT + "export", ROOT + "cli");

  @ArchTest
  static final ArchRule NOTHING_KNOWS_THE_COMMAND_LINE =
      noClasses()
          .that()
          .resideOutsideOfPackage(ROOT + "cli")
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage(ROOT + "cli", "picocli..", "me.tongfei..");

  @ArchTest
  static final ArchRule NAMES_SAY_WHAT_A_CLASS_IS =
      classes()
          .should()
          .haveNameNotMatching(".*(Util|Utils|Helper|Manager|Impl)(\\$.*)?")
          .andShould()
          .resideOutsideOfPackage("org.tensorflow..");
}
